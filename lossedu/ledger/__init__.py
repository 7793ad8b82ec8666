"""The verdicts on the claims of the literature: the rule, the claims, and what the records say of them."""
