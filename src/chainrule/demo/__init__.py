"""The main job on real data: train on digits, walk through one gradient, prove all of them.

Everything here returns data; `chainrule.cli.demo` prints it.
"""
