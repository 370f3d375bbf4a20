import { ListBucketsCommand } from '@aws-sdk/client-s3';
import {
  awsClients,
  type ClientSettings,
  clientSettings,
  s3Client,
  uploadSettings,
} from '../../../../src/adapters/aws/clients.ts';

const env = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };

test('clients take region, address and credentials from the environment they are given', async () => {
  const clients = awsClients({ ...env, AWS_ENDPOINT_URL: 'http://127.0.0.1:9', AWS_SESSION_TOKEN: 'token' });
  for (const { config } of Object.values(clients)) {
    expect(await config.region()).toBe('eu-west-1');
    expect(await config.maxAttempts()).toBe(4);
    expect(await config.credentials()).toMatchObject({
      accessKeyId: 'id',
      secretAccessKey: 'secret',
      sessionToken: 'token',
    });
    expect(await config.endpoint?.()).toMatchObject({ hostname: '127.0.0.1', port: 9 });
  }
  expect(clients.s3.config.forcePathStyle).toBe(true);
});

test('clients of AWS itself name buckets in the host', () => {
  expect(awsClients(env).s3.config.forcePathStyle).toBe(false);
});

test('uploads may take as long as they get on, and other requests two minutes in all', async () => {
  const settings = clientSettings({ ...env, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' });
  // The handler reads its settings at its first request, which nobody answers here.
  const limitsOf = async ({ requestHandler }: ClientSettings) => {
    await s3Client({ ...settings, requestHandler, maxAttempts: 1 })
      .send(new ListBucketsCommand({}))
      .catch(() => {});
    const { requestTimeout, socketTimeout } = requestHandler.httpHandlerConfigs();
    return { requestTimeout, socketTimeout };
  };
  expect(await limitsOf(settings)).toEqual({ requestTimeout: 120_000, socketTimeout: 30_000 });
  expect(await limitsOf(uploadSettings(settings))).toEqual({ requestTimeout: undefined, socketTimeout: 300_000 });
});

test('clients without a region are refused', () => {
  expect(() => awsClients({})).toThrow('AWS_REGION must name a region such as eu-west-1, got nothing');
});
