// How well scores agree with labels.
#pragma once

#include <vector>

namespace mmoe::tools {

/// Area under the ROC curve of labels 0 and 1, by ranks; equal scores share their mean rank (Mann-Whitney U).
/// NaN when there is only one class.
double auc(const std::vector<float>& labels, const std::vector<float>& scores);

/// Mean of (label - score)^2. REQUIRES: not empty.
double mean_squared_error(const std::vector<float>& labels, const std::vector<float>& scores);

/// 1 - mean squared error / variance of the labels. NaN when all labels are equal.
double r_squared(const std::vector<float>& labels, const std::vector<float>& scores);

/// The AUC of `binary` labels, R squared of others.
double quality(bool binary, const std::vector<float>& labels, const std::vector<float>& scores);

}  // namespace mmoe::tools
