"""What runs beside compiled code: the C library with its threads, and the JIT."""
