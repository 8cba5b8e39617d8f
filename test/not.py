"""`not COMMAND…`: succeeds when the command fails in an orderly way, as LLVM's tool does."""

import subprocess
import sys

code = subprocess.run(sys.argv[1:], check=False).returncode
if code < 0:
    print(f"not: the command ended by signal {-code}", file=sys.stderr)
sys.exit(0 if code > 0 else 1)
