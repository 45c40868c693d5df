#pragma once
double fabs(double), sqrt(double);
float fabsf(float), sqrtf(float);
long lrint(double);
long long llrint(double);
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf(x)
