import { enumCounter, enumGauge } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';

const WRITE_RESULTS = ['written', 'conflict', 'failed'] as const;
export type RecordWriteResult = (typeof WRITE_RESULTS)[number];

/** The metrics of the record of evictions (R6, R7). */
export interface RecordMetrics {
  readonly recordWrite: (result: RecordWriteResult) => void;
  readonly recordFailing: (isFailing: boolean) => void;
}

export function declareRecordMetrics(registry: Registry): RecordMetrics {
  const writes = enumCounter({
    registry,
    name: 'archpolicy_eviction_record_writes_total',
    help: 'Writes of the record of evictions, the ConfigMap archpolicy-safety, by result.',
    labels: { result: WRITE_RESULTS },
  });
  const failing = enumGauge({
    registry,
    name: 'archpolicy_evictions_not_recorded',
    help: '1 while no pod is evicted, because the record of evictions cannot be written.',
    labels: {},
  });
  failing.set({}, 0);
  return {
    recordWrite: (result) => {
      writes.inc({ result });
    },
    recordFailing: (isFailing) => {
      failing.set({}, isFailing ? 1 : 0);
    },
  };
}
