/* SPDX-License-Identifier: MIT */
/*
 * What CloudWatch takes for metrics, for messages. The prices are those of us-east-1 for the first 10,000 metrics of an account
 * (https://aws.amazon.com/cloudwatch/pricing/, as of 2025); other regions and larger accounts pay others.
 */
#ifndef ISAMON_COST_H
#define ISAMON_COST_H

#include <stdint.h>

#define COST_SECONDS_A_MONTH 2628000.0 /* 730 hours, as AWS counts */
#define COST_METRIC_USD 0.30           /* a metric and month, while it gets data */
#define COST_REQUEST_USD (0.01 / 1000) /* a PutMetricData */

struct cost {
	double requests; /* a month */
	double metrics_usd, requests_usd;
};

/* Of a month in which @n_metrics get data and @requests are made each interval. Each combination of name and dimensions is a
 * metric; what has no dimension of the host is the same metric for all hosts, and paid once. */
struct cost cost_month(uint64_t n_metrics, unsigned int interval_s, double requests);

#endif
