/* SPDX-License-Identifier: MIT */
/* Prices times numbers. */
#include "ship/cost.h"

struct cost cost_month(uint64_t n_metrics, unsigned int interval_s, double requests)
{
	double n_requests = requests * COST_SECONDS_A_MONTH / interval_s;

	return (struct cost){ .requests = n_requests,
			      .metrics_usd = (double)n_metrics * COST_METRIC_USD,
			      .requests_usd = n_requests * COST_REQUEST_USD };
}
