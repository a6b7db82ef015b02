"""Tests of finding, starting and stopping."""
