// Constants of the elementary functions. Polynomials: Cephes mathematical library (S. Moshier), expf and
// tanhf, single precision.
#pragma once

namespace mmoe::kernels {

constexpr float kLog2E = 1.44269504088896341f;
constexpr float kRoundMagic = 12582912.0f;  // 1.5 * 2^23: adding and subtracting it rounds to an integer
constexpr float kLn2High = 0.693359375f;    // few bits, so that n * kLn2High is exact
constexpr float kLn2Low = -2.12194440e-4f;
constexpr float kExpMin = -87.33654f;  // below it e^x is subnormal: the result is 0
constexpr float kExpMinN = -126.0f;
constexpr float kExpPoly[6] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                               4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
constexpr float kTanhSmall = 0.625f;
constexpr float kTanhPoly[5] = {-5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f,
                                -3.33332819422e-1f};
constexpr float kSeluAlpha = 1.67326324f;  // Klambauer et al. 2017
constexpr float kSeluScale = 1.05070098f;
constexpr float kSixth = 0.166666667f;

// gelu: the normal distribution's tail is e^(-x^2 / 2) t p(t), t = 1 / (1 + kTailScale |x|). Fitted for this project:
// |x| times the error is at most 7e-9. gelu by tanh (Hendrycks and Gimpel 2016) is x sigmoid(x (a + b x^2)).
constexpr float kTailScale = 0.4f;
constexpr float kTailPoly[6] = {0.0573121621f, -0.258049971f, 0.344512777f, 0.00979449228f, 0.189887398f, 0.156543485f};
constexpr float kGeluLinear = 1.59576912161f;   // a = 2 sqrt(2 / pi)
constexpr float kGeluCubic = 0.0713548162726f;  // b = 0.044715 a
// log(1 + z), 0 <= z <= 1, is 2 s p(s^2), s = z / (2 + z). Fitted for this project: relative error 4e-9.
constexpr float kLogPoly[5] = {0.140958740f, 0.139788135f, 0.200125583f, 0.333331551f, 1.0f};

}  // namespace mmoe::kernels
