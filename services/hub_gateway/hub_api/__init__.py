"""360Hub's HTTP API, behind the port: the only place that knows its paths, codes and JSON names.

``client`` makes the calls; ``answers`` says what an answer means, ``tokens`` what opens the door.
``wire`` holds 360Hub's JSON, ``translate`` and ``events`` turn it into the port's values and into
facts, and ``signatures`` tells whether a webhook is authentic.
"""
