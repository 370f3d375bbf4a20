/** Where the warehouse stands: two subnets in two zones with no way out but to S3, or the subnets of a network that exists. */
import { RemovalPolicy } from 'aws-cdk-lib';
import {
  CfnSecurityGroup,
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { WarehouseSettings } from '../../src/local/settings.ts';

export class WarehouseNetwork extends Construct {
  readonly subnetIds: string[];
  /** Takes nothing from anybody: the Data API and the query editor do not come through the network. */
  readonly securityGroupId: string;

  constructor(scope: Construct, id: string, { vpc, zones }: Pick<WarehouseSettings, 'vpc' | 'zones'>) {
    super(scope, id);
    const { vpcId, subnetIds } = vpc ?? this.#ownNetwork(zones);
    const group = new CfnSecurityGroup(this, 'SecurityGroup', {
      groupDescription: 'The warehouse: nothing may connect to it',
      vpcId,
      // Without a rule EC2 allows everything.
      securityGroupEgress: [
        { ipProtocol: 'icmp', fromPort: 252, toPort: 86, cidrIp: '255.255.255.255/32', description: 'Nothing' },
      ],
    });
    this.subnetIds = subnetIds;
    this.securityGroupId = group.attrGroupId;
  }

  #ownNetwork(zones: string[] | undefined): { vpcId: string; subnetIds: string[] } {
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.60.0.0/24'),
      ...(zones ? { availabilityZones: zones } : { maxAzs: 2 }),
      natGateways: 0,
      subnetConfiguration: [{ name: 'warehouse', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 26 }],
      gatewayEndpoints: { s3: { service: GatewayVpcEndpointAwsService.S3 } },
      // It would be a function of CDK's with rights on security groups; the default group is used by nobody.
      restrictDefaultSecurityGroup: false,
    });
    const logGroup = new LogGroup(this, 'FlowLogs', {
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    vpc.addFlowLog('FlowLog', { destination: FlowLogDestination.toCloudWatchLogs(logGroup) });
    return { vpcId: vpc.vpcId, subnetIds: vpc.isolatedSubnets.map(({ subnetId }) => subnetId) };
  }
}
