/** A custom resource answers CloudFormation whatever happens, and lets nothing be deleted in its name. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { putAnswer } from '../../../src/adapters/aws/custom-resource-answer.ts';
import {
  type CustomResourceAnswer,
  type CustomResourceRequest,
  customResource,
} from '../../../src/flows/custom-resource.ts';

const request = (changed: Partial<CustomResourceRequest> = {}): CustomResourceRequest => ({
  RequestType: 'Create',
  ResponseURL: 'https://example.com/answer?Signature=planted',
  StackId: 'stack',
  RequestId: 'request',
  LogicalResourceId: 'Applied',
  ...changed,
});
const asked = { StackId: 'stack', RequestId: 'request', LogicalResourceId: 'Applied' };

/** What is answered, and how often something was made. */
async function called(event: CustomResourceRequest, make: () => Promise<unknown> = async () => {}) {
  const answers: [string, CustomResourceAnswer][] = [];
  let made = 0;
  const handler = customResource({
    id: 'shelf',
    make: async () => {
      made += 1;
      await make();
    },
    answer: async (url, answer) => void answers.push([url, answer]),
  });
  await handler(event);
  expect(answers).toHaveLength(1);
  const [[url, answer]] = answers as [[string, CustomResourceAnswer]];
  expect(url).toBe(event.ResponseURL);
  return { answer, made };
}

test.each`
  RequestType | PhysicalResourceId | made
  ${'Create'} | ${undefined}       | ${1}
  ${'Update'} | ${'shelf'}         | ${1}
  ${'Delete'} | ${'shelf'}         | ${0}
`('$RequestType makes it $made times and succeeds', async ({ RequestType, PhysicalResourceId, made }) => {
  const outcome = await called(request({ RequestType, PhysicalResourceId }));
  expect(outcome).toEqual({ made, answer: { ...asked, Status: 'SUCCESS', PhysicalResourceId: 'shelf' } });
});

test('a failure is answered with its reason, no longer than CloudFormation takes', async () => {
  const failing = (message: string) => () => Promise.reject(new Error(message));
  const reason = 'sql/ddl/010.sql, statement 2: it failed';
  const { answer } = await called(request(), failing(reason));
  expect(answer).toEqual({ ...asked, Status: 'FAILED', Reason: reason, PhysicalResourceId: 'shelf' });
  expect((await called(request(), failing('x'.repeat(5000)))).answer.Reason).toHaveLength(1000);
});

describe('the answer', () => {
  const heard: { method?: string; type?: string; body: string }[] = [];
  const statuses: number[] = [];
  let server: Server;
  let url: string;
  const waits: number[] = [];
  const timer = { sleep: async (ms: number) => void waits.push(ms), random: () => 1 };

  beforeAll(async () => {
    server = createServer(async (message: IncomingMessage, response) => {
      heard.push({ method: message.method, type: message.headers['content-type'], body: await text(message) });
      response.writeHead(statuses.shift() ?? 200).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer?Signature=planted`;
  });
  beforeEach(() => heard.splice(0));
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test('is put again until it is taken, without a content type, which its address is not signed for', async () => {
    statuses.push(503, 500);
    await putAnswer(url, { Status: 'SUCCESS' }, timer);
    expect(heard).toEqual(Array(3).fill({ method: 'PUT', type: '', body: '{"Status":"SUCCESS"}' }));
  });

  test('that is taken nowhere is an error without the address', async () => {
    statuses.push(...Array(8).fill(403));
    await expect(putAnswer(url, {}, timer)).rejects.toThrow(/^CloudFormation takes no answer: HTTP 403$/);
    await expect(putAnswer('http://127.0.0.1:1/planted', {}, timer)).rejects.toThrow(
      /^CloudFormation takes no answer: no connection$/,
    );
  });
});
