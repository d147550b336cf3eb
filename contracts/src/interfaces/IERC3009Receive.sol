// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title The receiving half of ERC-3009, transfer with authorisation
/// @notice Source: https://eips.ethereum.org/EIPS/eip-3009
interface IERC3009Receive {
    /// @notice Moves `value` from `from` to `to`, which must be the caller, by a signature of `from`.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;
}
