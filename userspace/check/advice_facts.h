/* SPDX-License-Identifier: MIT */
/*
 * The few facts of AWS that advice is told with; each is for a message only, and decides nothing that is measured. There are no prices here: those of
 * metrics are in ship/cost.h, with their region and date, and messages say so.
 */
#ifndef ISAMON_ADVICE_FACTS_H
#define ISAMON_ADVICE_FACTS_H

/* STANDARD_IA takes no object before so many days, and bills as many at least; objects below 128 KiB are not moved.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html */
#define FACT_S3_IA_DAYS 30
/* "up to", of the price on demand: for the longest term, paid ahead. https://aws.amazon.com/savingsplans/faqs/ */
#define FACT_SAVINGS_COMPUTE 66
#define FACT_SAVINGS_INSTANCE 72
/* Each of large, xlarge, 2xlarge, 4xlarge, ... has twice the CPUs and the memory of the one before it.
 * https://aws.amazon.com/ec2/instance-types/ */
#define FACT_SIZE_FACTOR 2

#endif
