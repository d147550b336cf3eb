// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Which verifier judges the receipts of a model version
/// @notice A publisher binds a verifier to a version once and for ever. It judges receipts served from then on: operators
///         who served earlier did so under the judgement of a committee.
interface IVerifierRegistry {
    /// @param verifier An `IReceiptVerifier`; zero when none is bound.
    /// @param boundAt Unix seconds of the binding.
    struct Binding {
        address verifier;
        uint64 boundAt;
    }

    /// @notice `verifier` judges receipts of this version that are served from this block's time on.
    event VerifierBound(address indexed publisher, bytes32 indexed modelId, uint32 indexed version, address verifier);

    error VerifierRegistry_NotPublisher(address caller, address publisher);
    error VerifierRegistry_AlreadyBound(bytes32 modelId, uint32 version, address verifier);
    error VerifierRegistry_NotAContract(address verifier);

    /// @notice Binds a verifier to a version of the caller's model. Final.
    function bindVerifier(bytes32 modelId, uint32 version, address verifier) external;

    /// @notice The binding of a version; all zero when there is none.
    function bindingOf(bytes32 modelId, uint32 version) external view returns (Binding memory);
}
