export { HealthChecks, type CheckResult, type HealthCheck } from './health/health.checks';
export {
  createHealthHandler,
  HEALTH_PATHS,
  type HealthAnswer,
  type HealthHandler,
  type HealthPath,
} from './health/health.handler';
export { startHealthServer, type HealthServer } from './health/health.server';
export {
  createLogger,
  type Logger,
  type LoggerOptions,
  type LogLevelName,
  type LogMethod,
} from './log/logger';
export { throttled } from './log/throttled.logger';
export { Counter, LabelledCounter } from './metrics/counter.metric';
export { Gauge } from './metrics/gauge.metric';
export { Histogram } from './metrics/histogram.metric';
export { createMetrics, type Metrics } from './metrics/metrics';
export { metricsCatalogue, renderMetricsTable, type MetricName } from './metrics/metrics.catalogue';
export { HEALTH_HANDLER, HealthController, HealthModule } from './nest/health.module';
export { NestLogger } from './nest/nest-logger';
