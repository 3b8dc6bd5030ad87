"""The words of the house: what is cleaned on the way in, how figures and names are worded, what a fault is called."""
