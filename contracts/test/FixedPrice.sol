// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IPriceOracle} from "../src/interfaces/IPriceOracle.sol";

/// @notice A price that tests set; its age is theirs to say, whatever the clock does.
contract FixedPrice is IPriceOracle {
    uint256 private _price;
    bool private _fresh;

    constructor(uint256 price) {
        set(price, true);
    }

    function set(uint256 price, bool fresh) public {
        (_price, _fresh) = (price, fresh);
    }

    function collateralPrice() external view returns (uint256, bool) {
        return (_price, _fresh);
    }

    function fallBps() external pure returns (uint256) {
        return 0;
    }
}
