// The only response that depends on the request: a new key has the name that was sent.
function create_key(request) {
    const wanted = JSON.parse(request.requestText);
    request.headersOut['Content-Type'] = 'application/json';
    request.return(200, JSON.stringify({
        keyName: wanted.keyName, description: wanted.description, locale: 'en-US', roleID: 2, timeZone: 'America/New_York',
        active: true, created: 1795000000000, unsuccessfulSignInAttempts: 0, expiryDate: wanted.expiryDate,
        secretKey: '8:Zm9yIGEgYmVuY2htYXJrIGFsb25lLCBhbmQgbm8gc2VjcmV0', serviceAccount: false, ID: 8,
    }));
}

export default {create_key};
