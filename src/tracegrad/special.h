/* What the C spellings of the primitive table need and the C library lacks: the operators in which Python
   differs from C, and the functions of special.py (their formulas and sources are described there). */
#ifndef TRACEGRAD_SPECIAL_H
#define TRACEGRAD_SPECIAL_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TG_PI 3.141592653589793

/* ---- Python's operators ---- */

static inline double tg_max(double a, double b) { return b > a ? b : a; }
static inline double tg_min(double a, double b) { return b < a ? b : a; }
static inline double tg_sign(double x) { return x != x ? x : (double)((x > 0) - (x < 0)); }

static inline double tg_mod(double x, double y)
{
    double rest = fmod(x, y);
    if (rest == 0)
        return copysign(0.0, y);
    return (rest < 0) != (y < 0) ? rest + y : rest;
}

static inline double tg_floordiv(double x, double y)
{
    double rest = fmod(x, y), quotient = (x - rest) / y, whole;
    if (rest != 0 && (rest < 0) != (y < 0))
        quotient -= 1.0;
    if (quotient == 0)
        return copysign(0.0, x / y);
    whole = floor(quotient);
    return quotient - whole > 0.5 ? whole + 1.0 : whole;
}

/* round(x, digits) decides ties by the exact decimal value, as printing does */
static inline double tg_round(double x, int digits)
{
    char text[700];
    if (!isfinite(x) || digits > 330)
        return x;
    if (digits < 0)
        return rint(x / pow(10.0, -digits)) * pow(10.0, -digits);
    snprintf(text, sizeof text, "%.*f", digits, x);
    return strtod(text, NULL);
}

static inline double tg_frexp_mantissa(double x) { int exponent; return frexp(x, &exponent); }
static inline int tg_frexp_exponent(double x) { int exponent; frexp(x, &exponent); return exponent; }

static inline int tg_isclose(double a, double b, double rel_tol, double abs_tol)
{
    if (a == b)
        return 1;
    if (isinf(a) || isinf(b))
        return 0;
    return fabs(b - a) <= fabs(rel_tol * b) || fabs(b - a) <= fabs(rel_tol * a) || fabs(b - a) <= abs_tol;
}

/* ---- sums that carry their rounding errors along ---- */

static inline double tg_sum(int count, const double *terms)
{
    double total = 0.0, error = 0.0;
    for (int i = 0; i < count; i++) {
        double next = total + terms[i], part = next - total;
        error += (total - (next - part)) + (terms[i] - part);
        total = next;
    }
    return isfinite(error) ? total + error : total;
}

/* ---- derivatives of log gamma ---- */

static const double tg_bernoulli[14] = {
    1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6, -3617.0 / 510, 43867.0 / 798,
    -174611.0 / 330, 854513.0 / 138, -236364091.0 / 2730, 8553103.0 / 6, -23749461029.0 / 870,
};

static inline double tg_inverse_power(double x, int n)
{
    double power = 1.0;
    while (n-- > 0)
        power *= 1.0 / x;
    return power;
}

static inline double tg_rising(int from, int to) /* from * (from + 1) * ... * to */
{
    double product = 1.0;
    for (; from <= to; from++)
        product *= from;
    return product;
}

static inline double tg_polygamma_positive(int n, double x)
{
    double terms[64], factorial = tg_rising(1, n), y, value;
    int count = 0, shift = x < 15 + n ? (int)ceil(15 + n - x) : 0;
    y = x + shift;
    for (int k = 0; k < shift && count < 46; k++)
        terms[count++] = n ? factorial * tg_inverse_power(x + k, n + 1) : -1.0 / (x + k);
    terms[count++] = n ? factorial / n * tg_inverse_power(y, n) : log(y);
    terms[count++] = n ? factorial / 2 * tg_inverse_power(y, n + 1) : -0.5 / y;
    for (int k = 1; k <= 14; k++)
        terms[count++] = n ? tg_bernoulli[k - 1] * (tg_rising(1, 2 * k + n - 1) / tg_rising(1, 2 * k))
                                 * tg_inverse_power(y, 2 * k + n)
                           : -tg_bernoulli[k - 1] / (2 * k) * tg_inverse_power(y, 2 * k);
    value = tg_sum(count, terms);
    return n && n % 2 == 0 ? -value : value;
}

static inline double tg_digamma_near_root(double x)
{
    const double root = 1.4616321449683622, rest = 9.549995429965697e-17;
    double step = (x - root) - rest, total = 0.0;
    for (int n = 25; n > 0; n--)
        total = (total + tg_polygamma_positive(n, root) / tg_rising(1, n)) * step;
    return total;
}

static inline double tg_cotangent_derivative(int n, double x)
{
    double polynomial[34] = {0.0, 1.0}, next[34], rest = remainder(x, 1.0), c, total, scale = TG_PI;
    for (int i = 0; i < n; i++, scale *= TG_PI) {
        for (int k = 0; k < 34; k++)
            next[k] = 0.0;
        for (int k = 0; k <= i; k++) {
            next[k] -= (k + 1) * polynomial[k + 1];
            next[k + 2] -= (k + 1) * polynomial[k + 1];
        }
        for (int k = 0; k < 34; k++)
            polynomial[k] = next[k];
    }
    c = copysign(sin(TG_PI * (0.5 - fabs(rest))) / sin(TG_PI * fabs(rest)), rest);
    total = polynomial[n + 1];
    for (int k = n; k >= 0; k--)
        total = total * c + polynomial[k];
    return scale * total;
}

/* n at most 30 */
static inline double tg_polygamma(int n, double x)
{
    if (x != x || x == -INFINITY || (x <= 0 && x == floor(x)))
        return NAN;
    if (x < 0) {
        double mirrored = n == 0 && fabs(1 - x - 1.4616321449683622) < 0.25 ? tg_digamma_near_root(1 - x)
                                                                           : tg_polygamma_positive(n, 1 - x);
        return (n % 2 ? -mirrored : mirrored) - tg_cotangent_derivative(n, x);
    }
    return n == 0 && fabs(x - 1.4616321449683622) < 0.25 ? tg_digamma_near_root(x) : tg_polygamma_positive(n, x);
}

#endif
