// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

// Private keys that everybody knows, as PEM: the examples of RFC 7515 and RFC 8037, and throw-away keys of
// kinds that crypto refuses. For tests only, where a fixed key makes vectors possible or a random RSA key
// would be slow.

namespace klutch::test_keys {

/// RSA 2048 of RFC 7515 §A.2, as PKCS#1.
inline constexpr std::string_view kRsaPkcs1Pem = R"(-----BEGIN RSA PRIVATE KEY-----
MIIEowIBAAKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd/wWJcyQoTbji9k0
l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL+yRT+SFd2lZS+pC
gNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb/7OMg0LOL+bSf63kpaSHSX
ndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD
Zlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxXFvUK+DWNmoudF8NAco9/h9iaGNj8
q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQIDAQABAoIBABKucaRpzQorw35S
bEUAVx8dYXUdZOlJcHtiWQ+dC6V8ljxAHj/PLyzTveyI5QO/xkObCyjIL303l2cf
UhPu2MFaJdjVzqACXuOrLot/eSFvxjvqVidTtAZExqFRJ9mylUVAoLvhowVWmC1O
n95fZCXxTUtxNEG1Xcc7m0rtzJKs45J+N/V9DP1edYH6USyPSWGp6wuA+KgHRnKK
Vf9GRx80JQY7nVNkL17eHoTWEwga+lwi0FEoW9Y7lDtWXYmKBWhUE+U8PGxlJf8f
40493HDw1WRQ/aSLoS4QTp3rn7gYgeHEvfJdkkf0UMhlknlo53M09EFPdadQ4TlU
bjqKc50CgYEA4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH/5IB3jw3bcxGn6QLvnE
tfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw/Py5PJdTJNPY8cQn7ouZ2KKDcmnPG
BY5t7yLc1QlQ5xHdwW1VhvKn+nXqhJTBgIPgtldC+KDV5z+y2XDwGUcCgYEAuQPE
fgmVtjL0Uyyx88GZFF1fOunH3+7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYs
p1ZSe7zFYHj7C6ul7TjeLQeZD/YwD66t62wDmpe/HlB+TnBA+njbglfIsRLtXlnD
zQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdcCgYAHAp9XcCSrn8wVkMVkKdb7
DOX4IKjzdahm+ctDAJN4O/y7OW5FKebvUjdAIt2GuoTZ71iTG+7F0F+lP88jtjP4
U4qe7VHoewl4MKOfXZKTe+YCS1XbNvfgwJ3Ltyl1OH9hWvu2yza7q+d5PCsDzqtm
27kxuvULVeya+TEdAB1ijQKBgQCH/3r6YrVH/uCWGy6bzV1nGNOdjKc9tmkfOJmN
54dxdixdpozCQ6U4OxZrsj3FcOhHBsqAHvX2uuYjagqvo3cOj1TRqNocX40omfCC
Mx3bD1yPPf/6TI2XECva/ggqEY2mYzmIiA5LVVmc5nrybr+lssFKneeyxN2Wq93S
0iJMdQKBgCGHewxzoa1r8ZMD0LETNrToK423K377UCYqXfg5XMclbrjPbEC3YI1Z
NqMtuhdBJqUnBi6tjKMF+34Xf0CUN8ncuXGO2CAYvO8PdyCixHX52ybaDjy1FtCE
6yUXjoKNXKvUm7MWGsAYH6f4IegOetN5NvmUMFStCSkh7ixZLkN1
-----END RSA PRIVATE KEY-----
)";

/// P-256 of RFC 7515 §A.3, as SEC1.
inline constexpr std::string_view kP256Sec1Pem = R"(-----BEGIN EC PRIVATE KEY-----
MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49
AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b
focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
-----END EC PRIVATE KEY-----
)";

/// The same as PKCS#8.
inline constexpr std::string_view kP256Pkcs8Pem = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt
-----END PRIVATE KEY-----
)";

/// Ed25519 of RFC 8037 §A.1, as PKCS#8.
inline constexpr std::string_view kEd25519Pem = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
)";

/// SEC1 as `openssl ecparam -genkey` writes it, with a parameters block in front.
inline constexpr std::string_view kP256WithParametersPem = R"(-----BEGIN EC PARAMETERS-----
BggqhkjOPQMBBw==
-----END EC PARAMETERS-----
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIKNq9QpKhm5wpA58vYbJppf2jkiBkNsR+Pyc8GR+PrRWoAoGCCqGSM49
AwEHoUQDQgAEfpFb//6cXthoI5/P6FqRQLcsJrd4+NN9O3L4C94eiXdg4DLjIX+C
5K6sLIO0YkJnA17kMzitJOAnuNMyPCKw3Q==
-----END EC PRIVATE KEY-----
)";

/// Encrypted with the passphrase "x", PKCS#8.
inline constexpr std::string_view kEncryptedPkcs8Pem = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgP6KfIm6SsAQICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEExJT51PpIalVERI7Q9hkOYEgZDA
utlhyPIfiDw94QYMWbvhmQXFTjjML95Di6oPMvzmZuNk2/ZX6x9Dc610hm7yf8uq
ppy4aj0Nn4MDV45kbGkIW/lcNjRtAd7GP3tHH14vXwdaAlpbri+65BNj5Rr7GeLi
1aEQBfj/uPGK2/zBuM2aSIqkIwS9tVZGFMZ0a2Ld8N4WKif4kpRAVvc8XEVZHdU=
-----END ENCRYPTED PRIVATE KEY-----
)";

/// Encrypted with the passphrase "x", the older way.
inline constexpr std::string_view kEncryptedSec1Pem = R"(-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,75FA5C5DC18FC590147F8EF55B5A452A

LeGs2yAJ4F9VPvXj6gLpl0qWvfcq2HGiKE4pSYm0QUFIx413g8o69pS+LwY3OnQ7
Nk1Gyz0wZwxb0moKU1Rs/FMjYZDIg8kqm9LFaKiA1Yv8dc1gmt/U+hfE4WdPP+0G
TOrzc3Ka5HoGZYHxsjxqw0jPl0SH9S3dGd1EWLhjuB0=
-----END EC PRIVATE KEY-----
)";

/// Too short.
inline constexpr std::string_view kRsa1024Pem = R"(-----BEGIN RSA PRIVATE KEY-----
MIICXAIBAAKBgQC7JQ68cgXgEYaisw64f5e+ENuSKGTfB8SjFAaEvHHSFK4VBcCz
ncptE1iPrIDVVXsRndWNo9vDwVrDVWKYaHAFE2O7nr/6/zje4sU8ZWjskH4B7TrL
npPB6YO/t/WiG0A0eFTv5kWM7BHIKZ2GrvFrDhuSmmsQkpyhaHcP9uZS+wIDAQAB
AoGAGwoOqAGdgbNmjYlrfhLJXOfYobR+Zo8bxSg2jOUhWOYuBNGQ9yK8Rag+6ntV
Hf28y13Ppihfr1f3gjOLDFRCounY7rEKKoH6VUnB3OLdIXV7DeyFWVNbVLDmvkmo
xz8KEkI3/2T6WpRhFcDAEAIN2puqI63TIXyu0vTHgqibSVkCQQDej3iQQhXVqJvD
Gq434S6RIkTCnzKjU/Zu5kPHEPu+BLDG+Qe7le60DHf36qjKhPJk4ARaaUSl7dli
JuK/1/6fAkEA10NdF7b6wokCbNJchVdk0U2IyG8nvMCQZmF8r+XXi/7WqD239oOd
tl38hgArBYvJpUrSTLEdK+kbW+wbJvG6JQJAey9J+f65+yJx5FF2MHOwxKAFEvvu
mTw14DgPN7WMwSXzeo4H26onDvz/wfbeKgnf6Dmd7zTozDaT5aHES48P3QJAWkpe
JNFSUwCm7MA7oI5sskIESpYdI9Xde6QOabVNeOIWZZEltZe1MkYv4oD1iqj8loFQ
vmxX4RAwspjRNr+TpQJBAMKAFf4RchxMRTx5qIimD0hs9SM+eh7ZYEI/wKqXH8wp
LQ4oeg9hkEaO6EWrrFls4PfzMyW/LuPpB7rDjcchp9E=
-----END RSA PRIVATE KEY-----
)";

/// A curve that is not allowed.
inline constexpr std::string_view kSecp256k1Pem = R"(-----BEGIN EC PRIVATE KEY-----
MHQCAQEEIOwnbRFDku+7avQjeK8CLDWoyNXgOh8X1V3IUn22osqdoAcGBSuBBAAK
oUQDQgAEr3ykCFPdhfbykIG8unkt5+fZVRBmcBopxOkAL9wV2lMLsZXO6aTzHjSP
8yYKqfgs1+x1L0Ybl712SjYB5pOfew==
-----END EC PRIVATE KEY-----
)";

/// P-256 spelled out as parameters, which hides a changed generator (CVE-2020-0601).
inline constexpr std::string_view kExplicitCurvePem = R"(-----BEGIN EC PRIVATE KEY-----
MIIBaAIBAQQg4MwbA7Gmcx2I+wJtOTkIqeC1Jt/P+5csVZWJ9hJm9U+ggfowgfcC
AQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAAAAAAAA////////////////
MFsEIP////8AAAABAAAAAAAAAAAAAAAA///////////////8BCBaxjXYqjqT57Pr
vVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSdNgiG5wSTamZ44ROdJreBn36QBEEE
axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54W
K84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8
YyVRAgEBoUQDQgAEJNoVnddJijVzzWFtQLkzu5BDL0f+guQsbqPcw1AHLuHD+toz
X9pbrNdQB7Hi0xozbkhuEACTRoogrzmBt4MlYg==
-----END EC PRIVATE KEY-----
)";

/// Cannot sign at all.
inline constexpr std::string_view kX25519Pem = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VuBCIEIABj9u3GZmvAu7y5WVJL5FSjE+z/ARd0+VrpHcFxXMpb
-----END PRIVATE KEY-----
)";

/// RSA restricted to PSS.
inline constexpr std::string_view kRsaPssPem = R"(-----BEGIN PRIVATE KEY-----
MIIEvQIBADALBgkqhkiG9w0BAQoEggSpMIIEpQIBAAKCAQEAzeu9hZw9KBDZIDIa
Ll25SEINP8WmcEYSXI1LJPEBRfutv5Xa4cJznnpAwBmWd/nGOwfaK3BJ1KIV1Rxu
YY+OBho2eyUyxGMyhL9De05dBbSCjo8CBKIAMwJmddGZkHYJ+t/9YVyqk1gKDPjb
d21WsP2KNefMd+KkyLgC0fRgFHG5Exd0BNbn8r8YllO62A99L3m/KxzW2zPA4s0S
8i5LU+BXoAyAaOaXbBAT0pLr8WSLwkfk5Syc3Svm5liNYjt1mSyE9XrGDlOCJRzy
sr+xlzPlepGJYGc95BBhbpMya64TnnanOYIy/HWXruB5tdRDZCa7fK5vK91jGMJJ
3eHGkQIDAQABAoIBADuhQnaIceVCS73ZBF/c4CSei/ulnrbwc6y9db8y0y2S3hOW
r5Wkm5qOyGVYg4wmllLNyU2+7IJYlX3rB8PUsEnwGUq70OGx4BU01bPFU4ataQkj
PHBfATPERCtmENQWenldl6A0F2knm3F6NwN0dCA4q2dEwp8M0K8XKinmXFROvUvs
FPe9TfWIRrlFqPoZdNFwdzuIauyVHYTE3R43v2jzGXyafUhh+FY45+aqb5BWfEn1
GMGsf+8+BpIolHtWs02UlxcLXx01o50faaTd/IlsYq11dsTHWgLLN10X+Padr2Fu
a1RBe/7B9JBrl6Xd/HcgrceRhheTz3zK4gTaA+kCgYEA6d8IDP5yW8lOzyv7mhh+
J7fLB2R2yUhCtZp0AZbUAxCuPRaSoG2MFdZY0iYq662hqn87WlAC9meWjrfQwaNY
pwhSdoKFfsCS9Etak/Ua7Tg5gspzTJrwXjjEbb+3roynMq4pZZVvqdBmn2KoIPmk
aMcKbGNEFgXu0Lk2eejDX6MCgYEA4WetulZaiuHxL+ZVLxPDGNWhtIL2yzhYzWwW
5AuQtAFxJZNFBn7bezA0n9yO+2XqXj9xMFsWeUYMMA/k6tpjYNcNMubu1BjkEuYa
A2MweGg/C3D1k9riPOe9O6F8LAVazyUMM2MY0YaEtrUqLpMoS6OY1HpptJBWPHcX
7aM2FDsCgYEAnhYQzxfAHaM6Dnhgno0n2Zk3OEwEr5KU5UT+XYSi01+XJ9v2SVND
eg9mAseiA6Vevm06pZWoKv9imh5OklXkOyQ4+brImiF6NIArPhBUnz1+Qpau0X16
NXaR8M3DT83rxypK+UvGKzef5uU9WOzm4ZyJwzJmd6yS/av00vsv9ZkCgYEA3tQz
9oXvtGRwnr3BcGzE7gQje+QMPhJSF6HHb2HPh2P1iwPvtOAr8bhSDcdowjaaXtmw
9/DUYsdQvSK5V0LWA6IVNkD90UdaESTQipDAFghYauMcozI7faJKfGzD6HDSuP0S
9qn8mwW0pTqrnKd1qnDsYQEzBoG5/sRtL0ut5okCgYEArFFMKI9PMJKClAfdh/Uj
eDicrBAFpymWlTPHjHyNpK13+g8k7pJka1Gtwd9mi4atk7WBhvE48fiV3PA11gVr
9GDtSbSDN+csDoq2VCLX8E05uuisv5UJrEVwPDoqKI8n7qe2SK8n64nAQKhV7T7M
YdkBIMT0k825bY/JariEL9c=
-----END PRIVATE KEY-----
)";

}  // namespace klutch::test_keys
