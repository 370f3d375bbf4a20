/** Athena's workgroup: where results go, how they are encrypted, and how much a query may read. */
import { CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';

/** At $5 a terabyte, half a dollar a query. */
const mostBytesScanned = 100_000_000_000;

export class AthenaWorkgroup extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, { deployment }: { deployment: Deployment }) {
    super(scope, id);
    this.name = `customer-360-${deployment.environment}`;
    new CfnWorkGroup(this, 'Workgroup', {
      name: this.name,
      description: 'Queries over the lake',
      // With the workgroup goes what was asked in it.
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        // Else a query could ask for another place, or none of the encryption.
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: mostBytesScanned,
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: `s3://${deployment.read('bucket')}/athena/`,
          encryptionConfiguration: { encryptionOption: 'SSE_KMS', kmsKey: deployment.read('dataKeyArn') },
        },
      },
    });
  }
}
