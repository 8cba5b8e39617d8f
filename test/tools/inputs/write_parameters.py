"""`write_parameters.py FILE NAME=TYPE[SIZE,…]…`: write parameters that count from 1 up."""

import re
import sys

import numpy as np
from safetensors.numpy import save_file

path, *descriptions = sys.argv[1:]
arrays = {}
for description in descriptions:
    name, dtype, sizes = re.fullmatch(r"(.+)=(\w+)\[([\d,]*)\]", description).groups()
    shape = [int(size) for size in sizes.split(",") if size]
    count = int(np.prod(shape, dtype=np.int64))
    arrays[name] = np.arange(1, count + 1, dtype=dtype).reshape(shape)
save_file(arrays, path)
