"""Services: how well the programs run that learners use."""
