# -*- coding: utf-8 -*-
import oss2
from oss2.models import ServerSideEncryptionRule

# It is highly risky to log on with the AccessKey of an Alibaba Cloud account because the account has permissions on all the APIs in OSS. We recommend that you log on as a RAM user to access APIs or perform routine operations and maintenance. To create a RAM user account, log on to https://ram.console.aliyun.com.
auth = oss2.Auth('<yourAccessKeyId>', '<yourAccessKeySecret>')
# This example uses the China East 1 (Hangzhou) endpoint. Specify the actual endpoint based on your requirements.
bucket = oss2.Bucket(auth, 'http://oss-cn-hangzhou.aliyuncs.com', '<yourBucketName>')

# Configures the encryption method for the bucket. In this example, AE256 is specified as an example.
rule = ServerSideEncryptionRule()
rule.sse_algorithm = oss2.SERVER_SIDE_ENCRYPTION_AES256
# Configures the CMK ID when the encryption method is set to KMS. To encrypt data by using a specified CMK, input the specified CMK ID. If you use the CMK managed by OSS to encrypt data, set this parameter to null. If you use the AES256 method to encrypt data, this parameter must be set to null.
rule.kms_master_keyid = ""

# Configures server-side encryption for the bucket.
result = bucket.put_bucket_encryption(rule)
# Checks the returned HTTP status code.
print('http response code:', result.status)
