"""The OneMeter Cloud API: routes, queries, answers, errors, keys' limits."""
