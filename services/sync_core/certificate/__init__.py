"""The no-skip certificate: every consumer of the log applied every event, each once.

Who consumes the log (the states, the relay, checkpoints, readers of the feed) keeps a count of
what it applied and a rolling digest: the exclusive or of the events' marks. A background check
reckons both anew from the log and says up to which position they agree.
"""
