/** Metrics are lines as CloudWatch's specification of the embedded metric format has them. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { embeddedMetrics } from '../../../../src/adapters/aws/embedded-metrics.ts';
import type { EndedRun } from '../../../../src/domain/metrics/measure.ts';

/** The shape of the specification; that targets stand at the root is asserted beside it. */
const name = { type: 'string', minLength: 1, maxLength: 1024 };
const isDocument = new Ajv2020().compile({
  type: 'object',
  required: ['_aws'],
  properties: {
    _aws: {
      type: 'object',
      required: ['Timestamp', 'CloudWatchMetrics'],
      properties: {
        Timestamp: { type: 'integer', minimum: 0 },
        CloudWatchMetrics: {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            required: ['Namespace', 'Dimensions', 'Metrics'],
            additionalProperties: false,
            properties: {
              Namespace: { ...name, pattern: '^[^:]' },
              Dimensions: {
                type: 'array',
                minItems: 1,
                items: { type: 'array', maxItems: 30, items: { type: 'string', minLength: 1, maxLength: 250 } },
              },
              Metrics: {
                type: 'array',
                minItems: 1,
                maxItems: 100,
                items: {
                  type: 'object',
                  required: ['Name'],
                  additionalProperties: false,
                  properties: { Name: name, Unit: { enum: ['Count', 'Seconds'] } },
                },
              },
            },
          },
        },
      },
    },
  },
});

interface Document {
  _aws: { Timestamp: number; CloudWatchMetrics: { Dimensions: string[][]; Metrics: { Name: string }[] }[] };
  [target: string]: unknown;
}

function written(emit: (metrics: ReturnType<typeof embeddedMetrics>) => void): string[] {
  const lines: string[] = [];
  emit(embeddedMetrics({ C360_ENVIRONMENT: 'test' }, (line) => lines.push(line)));
  return lines;
}

const counts = { received: 9, raw: 5, quarantined: 3, suppressed: 1 };

test('a line is one document, with all that CloudWatch looks for at its root', () => {
  const run: EndedRun = {
    status: 'idle',
    startedAt: '2026-03-07T03:00:00Z',
    finishedAt: '2026-03-07T03:00:10Z',
    steps: [{ step: 'plan', seconds: 2 }],
    report: undefined,
    snapshot: undefined,
  };
  const lines = written((metrics) => {
    metrics.door('products', counts);
    metrics.run(run);
  });
  expect(lines).toHaveLength(4);
  for (const line of lines) {
    expect(line).toMatch(/^\{.*\}\n$/);
    const document = JSON.parse(line) as Document;
    expect([isDocument(document), isDocument.errors]).toEqual([true, null]);
    const [directive] = document._aws.CloudWatchMetrics;
    for (const dimension of directive!.Dimensions.flat()) expect(typeof document[dimension]).toBe('string');
    for (const { Name } of directive!.Metrics) expect(typeof document[Name]).toBe('number');
  }
});

test('a door’s line holds these metrics of its dataset and of the deployment, as of now', () => {
  const before = Date.now();
  const [line] = written((metrics) => metrics.door('products', counts));
  const { _aws, ...root } = JSON.parse(line!) as Document;
  expect(root).toEqual({
    Environment: 'test',
    Dataset: 'products',
    ReceivedRecords: 9,
    RawRecords: 5,
    QuarantinedRecords: 3,
    SuppressedRecords: 1,
  });
  const unit = (Name: string) => ({ Name, Unit: 'Count' });
  expect(_aws.CloudWatchMetrics).toEqual([
    {
      Namespace: 'Customer360',
      Dimensions: [['Environment', 'Dataset']],
      Metrics: [unit('ReceivedRecords'), unit('RawRecords'), unit('QuarantinedRecords'), unit('SuppressedRecords')],
    },
  ]);
  expect(_aws.Timestamp).toBeGreaterThanOrEqual(before);
  expect(_aws.Timestamp).toBeLessThanOrEqual(Date.now());
});

test('without the name of the deployment nothing is emitted, and what is missing is said', () => {
  expect(() => embeddedMetrics({})).toThrow('C360_ENVIRONMENT must be set');
});
