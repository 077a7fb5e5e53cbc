"""What people prefer: ratings from votes on pairs of answers, and how many votes they need."""
