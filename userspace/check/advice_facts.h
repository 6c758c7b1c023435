/* SPDX-License-Identifier: MIT */
/*
 * The few facts of AWS that advice is told with; each is for a message only, and decides nothing that is measured. Prices are those of us-east-1 in
 * USD, as of 2025; other regions have others.
 */
#ifndef ISAMON_ADVICE_FACTS_H
#define ISAMON_ADVICE_FACTS_H

/* A GB and month. https://aws.amazon.com/cloudwatch/pricing/ (logs, stored, compressed), https://aws.amazon.com/s3/pricing/ */
#define FACT_LOGS_USD 0.03
#define FACT_S3_STANDARD_USD 0.023
#define FACT_S3_IA_USD 0.0125
/* STANDARD_IA takes no object before so many days, and bills as many at least.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html */
#define FACT_S3_IA_DAYS 30
/* "up to", of the price on demand. https://aws.amazon.com/savingsplans/faqs/ */
#define FACT_SAVINGS_COMPUTE 66
#define FACT_SAVINGS_INSTANCE 72
/* Each size of a family has twice the CPUs and the memory of the one before it (large, xlarge, 2xlarge, 4xlarge, ...).
 * https://aws.amazon.com/ec2/instance-types/ */
#define FACT_SIZE_FACTOR 2

#endif
