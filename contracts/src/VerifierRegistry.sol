// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";

/// @title VerifierRegistry
/// @notice Behaviour, units and errors are documented on `IVerifierRegistry`.
contract VerifierRegistry is IVerifierRegistry {
    IModelRegistry public immutable MODEL_REGISTRY;

    mapping(bytes32 modelId => mapping(uint32 version => Binding)) private _bindings;

    constructor(IModelRegistry modelRegistry) {
        MODEL_REGISTRY = modelRegistry;
    }

    /// @inheritdoc IVerifierRegistry
    function bindVerifier(bytes32 modelId, uint32 version, address verifier) external {
        address publisher = MODEL_REGISTRY.publisherOf(modelId);
        require(msg.sender == publisher, VerifierRegistry_NotPublisher(msg.sender, publisher));
        // Reverts when there is no such version.
        MODEL_REGISTRY.version(modelId, version);
        address bound = _bindings[modelId][version].verifier;
        require(bound == address(0), VerifierRegistry_AlreadyBound(modelId, version, bound));
        require(verifier.code.length != 0, VerifierRegistry_NotAContract(verifier));
        _bindings[modelId][version] = Binding({verifier: verifier, boundAt: uint64(block.timestamp)});
        emit VerifierBound(publisher, modelId, version, verifier);
    }

    /// @inheritdoc IVerifierRegistry
    function bindingOf(bytes32 modelId, uint32 version) external view returns (Binding memory) {
        return _bindings[modelId][version];
    }
}
