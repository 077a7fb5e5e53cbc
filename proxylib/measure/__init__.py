"""Forward passes in, rows out: token statistics, proxies, features, benchmarks, numerics."""
