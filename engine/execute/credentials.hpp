// Whose name a request is signed in: credentials from the environment, or a profile of AWS's shared files.
//
// Order: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN), unless AWS_PROFILE is set; then the profile
// (AWS_PROFILE, else default) in the credentials file, then in the config file. AWS_SHARED_CREDENTIALS_FILE and
// AWS_CONFIG_FILE name these files, ~/.aws/credentials and ~/.aws/config are their defaults.
//
// Threads: pure but for the environment and the files, which are read anew each time. Errors: where it looked.
// Source:  AWS SDKs and Tools Reference Guide, shared config and credentials files.
#pragma once

#include <string>

#include "engine/error.hpp"

namespace millrace {

struct Credentials {
  std::string access_key_id, secret_access_key, session_token;
};

Result<Credentials> read_credentials();

}  // namespace millrace
