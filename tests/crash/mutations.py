"""placeholder"""
BY_NAME: dict = {}
