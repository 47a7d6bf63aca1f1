"""Decisions that come one by one, watched for a limit.

The test may look at any time, and as often as it likes, and still seldom gives a false alarm.
"""
