# Each sample stands for one block, however small it is.
# file: capture/sample/sampler.c
# test: tests/sites/test_sampler.py
s/double weight = -1 \/ expm1.*/double weight = HTRAIL_WEIGHT_ONE;/
