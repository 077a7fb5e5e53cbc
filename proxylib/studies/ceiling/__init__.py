"""The ceiling: does a student reach, stop below or pass the teacher whose notes it learns from?"""
