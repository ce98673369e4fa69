"""Typical answers to exercise 1 of lab 04."""

import math


def reserved(queries_per_month, queries_per_s, usd_per_hour, peak_to_mean):
    mean = queries_per_month / (730 * 3600)
    machines = max(1, math.ceil(mean * peak_to_mean / queries_per_s))
    return machines * 730 * usd_per_hour


def as_it_was(queries_per_month, queries_per_s, usd_per_hour, peak_to_mean):
    mean = queries_per_month / (730 * 3600)
    machines = max(1, math.ceil(mean * peak_to_mean / queries_per_s))
    utilisation = mean / (machines * queries_per_s)
    return machines * 730 * usd_per_hour * utilisation


def parts_of_machines(queries_per_month, queries_per_s, usd_per_hour, peak_to_mean):
    mean = queries_per_month / (730 * 3600)
    return mean * peak_to_mean / queries_per_s * 730 * usd_per_hour


def for_the_mean(queries_per_month, queries_per_s, usd_per_hour, peak_to_mean):
    mean = queries_per_month / (730 * 3600)
    return max(1, math.ceil(mean / queries_per_s)) * 730 * usd_per_hour


def none_without_traffic(queries_per_month, queries_per_s, usd_per_hour, peak_to_mean):
    mean = queries_per_month / (730 * 3600)
    return math.ceil(mean * peak_to_mean / queries_per_s) * 730 * usd_per_hour


def thirty_days(queries_per_month, queries_per_s, usd_per_hour, peak_to_mean):
    return reserved(queries_per_month, queries_per_s, usd_per_hour, peak_to_mean) / 730 * 720


RIGHT = [reserved]
WRONG = [
    (as_it_was, "idle hour"),
    (parts_of_machines, "whole"),
    (for_the_mean, "peak"),
    (none_without_traffic, "without a query"),
    (thirty_days, "730 hours"),
]
