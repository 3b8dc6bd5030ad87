"""The notebooks here are broken on purpose, each named for its fault: nbval must not collect them."""

collect_ignore_glob = ["*.ipynb"]
