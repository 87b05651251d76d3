#!/usr/bin/env bash
# Runs the client against a real Tomcat, the server of the manager, with a keytool certificate.
#
#   bash .ci/contract/tomcat.sh            the release build
#   SWP_KEYS_BINARY=FILE bash .ci/contract/tomcat.sh    another program, which must fail
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh

need_binary
need_tomcat
forget_settings
make_scratch
export TOMCAT_HOME=$tomcat_home MANAGER_CLASSES=$scratch/classes SWP_KEYS_BINARY=${SWP_KEYS_BINARY:-$swp_keys}
javac --release 17 -Xlint:all -Werror -classpath "$tomcat_home/lib/servlet-api.jar:$tomcat_home/lib/tomcat-util.jar" \
    -d "$MANAGER_CLASSES" .ci/contract/tomcat/Manager.java
# A program that does nothing must not pass the check.
if SWP_KEYS_BINARY=/bin/true python3 .ci/contract/tomcat/check.py >/dev/null 2>&1; then
    die "the Tomcat check passes without swp-keys"
fi
python3 .ci/contract/tomcat/check.py
