/** CloudFormation, as a custom resource sees it: it asks, and takes the answer at an address of its own. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { CustomResourceAnswer, CustomResourceRequest } from '../../src/flows/custom-resource.ts';

/** What a resource's function answers when it is to be made. */
export async function answerOf(
  call: (request: CustomResourceRequest) => Promise<unknown>,
): Promise<CustomResourceAnswer> {
  const answers: CustomResourceAnswer[] = [];
  const server = createServer(async (message, response) => {
    answers.push((await json(message)) as CustomResourceAnswer);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const ResponseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer`;
    await call({
      RequestType: 'Create',
      ResponseURL,
      StackId: 'stack',
      RequestId: 'one',
      LogicalResourceId: 'Applied',
    });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  if (answers.length !== 1) throw new Error(`the resource must answer once, and answered ${answers.length} times`);
  return answers[0]!;
}
