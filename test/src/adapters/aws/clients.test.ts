import { awsClients } from '../../../../src/adapters/aws/clients.ts';

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

test('clients without a region are refused', () => {
  expect(() => awsClients({})).toThrow('AWS_REGION must name a region such as eu-west-1, got nothing');
});
