"""Forecasting: what will a run, or a larger one, score, and how wrong was such a forecast before?"""
