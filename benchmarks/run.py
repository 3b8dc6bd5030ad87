"""What is fast, and by how much, in one command: reports (reports.py), then rows of figures (rows.py).

python benchmarks/run.py
"""

import subprocess
import sys
from pathlib import Path

for part in ("reports.py", "rows.py"):
    if (path := Path(__file__).with_name(part)).exists():
        subprocess.run([sys.executable, path], check=True)
