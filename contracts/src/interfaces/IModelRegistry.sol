// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Registry of models: who made them, which exact weights, what they derive from
/// @notice Permissionless and without an owner. A model is never deleted; it can only be retired.
interface IModelRegistry {
    /// @notice How an output of the model can be checked.
    /// @dev `Reexecution`: bit-exact. `Tolerance`: within published bounds. `Attested`: by an attested key (e.g. a TEE).
    ///      `Proof`: by a verifier contract (e.g. a ZK proof).
    enum Mode {
        Reexecution,
        Tolerance,
        Attested,
        Proof
    }

    /// @param publisher Who may publish versions and collect royalties; zero when the model does not exist.
    /// @param versions How many versions exist; versions are numbered from 1.
    /// @param retired True once the publisher withdrew the model from new service.
    /// @param pendingPublisher Proposed next publisher, zero when none.
    /// @param parent Model this one derives from (fine-tuned, quantized), zero when none.
    struct Model {
        address publisher;
        uint32 versions;
        bool retired;
        address pendingPublisher;
        bytes32 parent;
    }

    /// @param weightsDigest SHA-256 of the artefact, so that anyone who holds the file can check it.
    /// @param mode How an output of this version can be checked.
    /// @param royaltyBps Publisher's share of each fee, in basis points of 10,000; fixed for the version.
    struct Version {
        bytes32 weightsDigest;
        Mode mode;
        uint16 royaltyBps;
    }

    /// @notice A model exists from here on; its first version follows as `VersionPublished`.
    event ModelRegistered(address indexed publisher, bytes32 indexed modelId, bytes32 indexed parent, bytes32 salt);

    /// @notice A version was published; `uri` says where the artefact can be had.
    event VersionPublished(
        bytes32 indexed modelId, uint32 indexed version, bytes32 weightsDigest, Mode mode, uint16 royaltyBps, string uri
    );

    /// @notice The model takes no new offerings.
    event ModelRetired(bytes32 indexed modelId);

    /// @notice `pendingPublisher` may accept the model; zero withdraws an earlier proposal.
    event PublisherTransferStarted(
        address indexed publisher, address indexed pendingPublisher, bytes32 indexed modelId
    );

    /// @notice The model has a new publisher, who also collects royalties that are still unclaimed.
    event PublisherTransferred(address indexed previousPublisher, address indexed publisher, bytes32 indexed modelId);

    error ModelRegistry_ModelExists(bytes32 modelId);
    error ModelRegistry_ModelUnknown(bytes32 modelId);
    error ModelRegistry_ModelIsRetired(bytes32 modelId);
    error ModelRegistry_VersionUnknown(bytes32 modelId, uint32 version);
    error ModelRegistry_NotPublisher(address caller, address publisher);
    error ModelRegistry_NotPendingPublisher(address caller, address pendingPublisher);
    error ModelRegistry_RoyaltyTooHigh(uint16 royaltyBps, uint16 maxRoyaltyBps);
    error ModelRegistry_EmptyDigest();

    /// @notice Highest royalty, in basis points of 10,000.
    function MAX_ROYALTY_BPS() external view returns (uint16);

    /// @notice Registers a model with its first version; the caller becomes its publisher.
    /// @param weightsDigest SHA-256 of the artefact; not zero.
    /// @param parent An existing model, or zero.
    /// @param mode How an output can be checked.
    /// @param royaltyBps At most `MAX_ROYALTY_BPS`.
    /// @param uri Where the artefact can be had.
    /// @param salt Lets one publisher register the same weights twice.
    /// @return modelId `keccak256(abi.encode(publisher, weightsDigest, salt))`.
    function registerModel(
        bytes32 weightsDigest,
        bytes32 parent,
        Mode mode,
        uint16 royaltyBps,
        string calldata uri,
        bytes32 salt
    ) external returns (bytes32 modelId);

    /// @notice Adds a version; earlier ones keep their terms.
    /// @return version Number of the new version.
    function publishVersion(bytes32 modelId, bytes32 weightsDigest, Mode mode, uint16 royaltyBps, string calldata uri)
        external
        returns (uint32 version);

    /// @notice Stops new offerings of the model. Work under existing offerings can still be settled. Final.
    function retireModel(bytes32 modelId) external;

    /// @notice Proposes a new publisher; zero withdraws the proposal.
    function transferPublisher(bytes32 modelId, address pendingPublisher) external;

    /// @notice Accepts a proposal made to the caller.
    function acceptPublisher(bytes32 modelId) external;

    /// @notice The model's record; reverts when it does not exist.
    function model(bytes32 modelId) external view returns (Model memory);

    /// @notice One version's terms; reverts when it does not exist.
    function version(bytes32 modelId, uint32 number) external view returns (Version memory);

    /// @notice The model's present publisher; reverts when the model does not exist.
    function publisherOf(bytes32 modelId) external view returns (address);
}
