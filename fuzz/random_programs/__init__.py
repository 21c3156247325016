"""Random Python programs whose jitted observation is compared with the sequential one."""
