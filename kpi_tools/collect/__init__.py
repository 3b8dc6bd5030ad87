"""How a council begins and a quarter is collected: wide workbooks in, words and figures in one round, who has sent what."""
