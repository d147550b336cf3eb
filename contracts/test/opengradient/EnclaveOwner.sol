// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {EnclaveRegistry} from "./EnclaveRegistry.sol";

/// @dev An owner that is a contract: its registrations are in no transaction's calldata.
contract EnclaveOwner {
    function register(EnclaveRegistry registry, bytes calldata publicKey, address payment, string calldata endpoint)
        external
    {
        registry.registerTEEWithAttestation("document", publicKey, "", payment, endpoint, 1);
    }
}
