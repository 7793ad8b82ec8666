"""Mutation testing: does a test notice when a line of the library is changed?"""
