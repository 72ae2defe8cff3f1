"""The shapes of the answers, from which the API's document is made.

Answers are encoded where they are made and not checked on their way; tests hold real answers
against these shapes. A field that may be absent is `NotRequired`.
"""
