// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @dev Stands in for the registry of another network: its events, in its order, without what it verifies.
contract EnclaveRegistry {
    struct Enclave {
        address owner;
        address paymentAddress;
        string endpoint;
        bytes publicKey;
        bytes tlsCertificate;
        bytes32 pcrHash;
        uint8 teeType;
        bool enabled;
        uint256 registeredAt;
        uint256 lastHeartbeatAt;
    }

    event TEETypeAdded(uint8 indexed typeId, string name);
    event TEERegistered(bytes32 indexed teeId, address indexed owner, uint8 teeType);
    event TEEEnabled(bytes32 indexed teeId);
    event TEEDisabled(bytes32 indexed teeId);
    event HeartbeatReceived(bytes32 indexed teeId, uint256 timestamp);
    event PCRApproved(bytes32 indexed pcrHash, uint8 indexed teeType, string version);
    event PCRRevoked(bytes32 indexed pcrHash, uint8 indexed teeType);
    event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender);
    event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender);
    /// @dev One of the events that this project does not know.
    event AWSCertificateUpdated(bytes32 indexed certHash);

    error EnclaveRegistry_Unknown(bytes32 teeId);
    error EnclaveRegistry_NotEnabled(bytes32 teeId);

    bytes32[] private ids;
    mapping(bytes32 teeId => Enclave) private enclaves;

    function addTEEType(uint8 typeId, string calldata name) external {
        emit TEETypeAdded(typeId, name);
    }

    function approvePCR(bytes32 pcrHash, string calldata version, uint8 teeType) external {
        emit PCRApproved(pcrHash, teeType, version);
    }

    function grantRole(bytes32 role, address account) external {
        emit RoleGranted(role, account, msg.sender);
    }

    function revokeRole(bytes32 role, address account) external {
        emit RoleRevoked(role, account, msg.sender);
    }

    function setAWSRootCertificate(bytes calldata certificate) external {
        emit AWSCertificateUpdated(keccak256(certificate));
    }

    /// @dev The document stands for the measurement that is read from it.
    function registerTEEWithAttestation(
        bytes calldata attestationDocument,
        bytes calldata signingPublicKey,
        bytes calldata tlsCertificate,
        address paymentAddress,
        string calldata endpoint,
        uint8 teeType
    ) external returns (bytes32 teeId) {
        teeId = keccak256(signingPublicKey);
        enclaves[teeId] = Enclave({
            owner: msg.sender,
            paymentAddress: paymentAddress,
            endpoint: endpoint,
            publicKey: signingPublicKey,
            tlsCertificate: tlsCertificate,
            pcrHash: keccak256(attestationDocument),
            teeType: teeType,
            enabled: true,
            registeredAt: block.timestamp,
            lastHeartbeatAt: block.timestamp
        });
        ids.push(teeId);
        emit TEERegistered(teeId, msg.sender, teeType);
    }

    function enableTEE(bytes32 teeId) external {
        enclaves[teeId].enabled = true;
        emit TEEEnabled(teeId);
    }

    function disableTEE(bytes32 teeId) external {
        _disable(teeId);
    }

    /// @dev Backwards, and told of last, as there.
    function revokePCR(bytes32 pcrHash, uint8 teeType) external {
        for (uint256 i = ids.length; i > 0; i--) {
            Enclave storage enclave = enclaves[ids[i - 1]];
            if (enclave.pcrHash == pcrHash && enclave.teeType == teeType && enclave.enabled) _disable(ids[i - 1]);
        }
        emit PCRRevoked(pcrHash, teeType);
    }

    /// @dev The same signed time is taken again, as there.
    function heartbeat(bytes32 teeId, uint256 timestamp, bytes calldata) external {
        require(enclaves[teeId].enabled, EnclaveRegistry_NotEnabled(teeId));
        enclaves[teeId].lastHeartbeatAt = block.timestamp;
        emit HeartbeatReceived(teeId, timestamp);
    }

    /// @dev Many at once, for the tests' speed.
    function heartbeats(bytes32[] calldata teeIds, uint256 timestamp) external {
        for (uint256 i = 0; i < teeIds.length; i++) {
            enclaves[teeIds[i]].lastHeartbeatAt = block.timestamp;
            emit HeartbeatReceived(teeIds[i], timestamp);
        }
    }

    function getTEE(bytes32 teeId) external view returns (Enclave memory) {
        require(enclaves[teeId].registeredAt != 0, EnclaveRegistry_Unknown(teeId));
        return enclaves[teeId];
    }

    function _disable(bytes32 teeId) private {
        enclaves[teeId].enabled = false;
        emit TEEDisabled(teeId);
    }
}
