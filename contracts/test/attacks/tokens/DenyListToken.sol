// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {TestToken} from "../../../src/TestToken.sol";

/// @notice Moves nothing from or to a denied account.
contract DenyListToken is TestToken {
    mapping(address account => bool) public denied;

    error DenyListToken_Denied(address account);

    constructor() TestToken("Deny list", "DNY", 18) {}

    function deny(address account) external {
        denied[account] = true;
    }

    function _update(address from, address to, uint256 value) internal override {
        require(!denied[from], DenyListToken_Denied(from));
        require(!denied[to], DenyListToken_Denied(to));
        super._update(from, to, value);
    }
}
