// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IModelRegistry} from "./interfaces/IModelRegistry.sol";

/// @title ModelRegistry
/// @notice Behaviour, units and errors are documented on `IModelRegistry`.
contract ModelRegistry is IModelRegistry {
    uint16 public constant MAX_ROYALTY_BPS = 2000;

    mapping(bytes32 modelId => Model) private _models;
    mapping(bytes32 modelId => mapping(uint32 number => Version)) private _versions;

    /// @inheritdoc IModelRegistry
    function registerModel(
        bytes32 weightsDigest,
        bytes32 parent,
        Mode mode,
        uint16 royaltyBps,
        string calldata uri,
        bytes32 salt
    ) external returns (bytes32 modelId) {
        modelId = keccak256(abi.encode(msg.sender, weightsDigest, salt));
        require(_models[modelId].publisher == address(0), ModelRegistry_ModelExists(modelId));
        require(parent == bytes32(0) || _models[parent].publisher != address(0), ModelRegistry_ModelUnknown(parent));
        _models[modelId].publisher = msg.sender;
        _models[modelId].parent = parent;
        emit ModelRegistered(msg.sender, modelId, parent, salt);
        _publish(modelId, weightsDigest, mode, royaltyBps, uri);
    }

    /// @inheritdoc IModelRegistry
    function publishVersion(bytes32 modelId, bytes32 weightsDigest, Mode mode, uint16 royaltyBps, string calldata uri)
        external
        returns (uint32)
    {
        _requirePublisher(modelId);
        require(!_models[modelId].retired, ModelRegistry_ModelIsRetired(modelId));
        return _publish(modelId, weightsDigest, mode, royaltyBps, uri);
    }

    /// @inheritdoc IModelRegistry
    function retireModel(bytes32 modelId) external {
        _requirePublisher(modelId);
        require(!_models[modelId].retired, ModelRegistry_ModelIsRetired(modelId));
        _models[modelId].retired = true;
        emit ModelRetired(modelId);
    }

    /// @inheritdoc IModelRegistry
    function transferPublisher(bytes32 modelId, address pendingPublisher) external {
        _requirePublisher(modelId);
        _models[modelId].pendingPublisher = pendingPublisher;
        emit PublisherTransferStarted(msg.sender, pendingPublisher, modelId);
    }

    /// @inheritdoc IModelRegistry
    function acceptPublisher(bytes32 modelId) external {
        Model storage record = _existing(modelId);
        address pending = record.pendingPublisher;
        require(msg.sender == pending, ModelRegistry_NotPendingPublisher(msg.sender, pending));
        address previous = record.publisher;
        record.publisher = pending;
        record.pendingPublisher = address(0);
        emit PublisherTransferred(previous, pending, modelId);
    }

    /// @inheritdoc IModelRegistry
    function model(bytes32 modelId) external view returns (Model memory) {
        return _existing(modelId);
    }

    /// @inheritdoc IModelRegistry
    function version(bytes32 modelId, uint32 number) external view returns (Version memory) {
        require(number != 0 && number <= _existing(modelId).versions, ModelRegistry_VersionUnknown(modelId, number));
        return _versions[modelId][number];
    }

    /// @inheritdoc IModelRegistry
    function publisherOf(bytes32 modelId) external view returns (address) {
        return _existing(modelId).publisher;
    }

    function _publish(bytes32 modelId, bytes32 weightsDigest, Mode mode, uint16 royaltyBps, string calldata uri)
        private
        returns (uint32 number)
    {
        require(weightsDigest != bytes32(0), ModelRegistry_EmptyDigest());
        require(royaltyBps <= MAX_ROYALTY_BPS, ModelRegistry_RoyaltyTooHigh(royaltyBps, MAX_ROYALTY_BPS));
        number = ++_models[modelId].versions;
        _versions[modelId][number] = Version({weightsDigest: weightsDigest, mode: mode, royaltyBps: royaltyBps});
        emit VersionPublished(modelId, number, weightsDigest, mode, royaltyBps, uri);
    }

    function _requirePublisher(bytes32 modelId) private view {
        address publisher = _existing(modelId).publisher;
        require(msg.sender == publisher, ModelRegistry_NotPublisher(msg.sender, publisher));
    }

    function _existing(bytes32 modelId) private view returns (Model storage record) {
        record = _models[modelId];
        require(record.publisher != address(0), ModelRegistry_ModelUnknown(modelId));
    }
}
